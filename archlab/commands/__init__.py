"""What each command does, one module a command or a small family of them."""
