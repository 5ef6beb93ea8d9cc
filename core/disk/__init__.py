"""What is below the home folder, and the disk itself: files written whole, statuses, the cache.

May import nothing but the root."""
