"""What all functions of the Sessions API share. docs/architecture.md says what lies where, and why."""
