"""What holds for the whole house: routes, layers, pages, texts."""
