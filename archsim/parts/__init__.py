"""One part class a file. Built-in classes enter through the same entry point as a user's."""
