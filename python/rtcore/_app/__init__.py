"""What an application is made of: its functions as they are looked at, and the parts of App."""
