"""The Office provider: its interface, the sandbox adapter and the Microsoft Graph adapter."""
