"""The Django project that is measured. Only the environment of `bench.oscar` can import it."""
