"""The jobs: read -> decide -> store -> tell. The only package that knows Prefect, the environment and the time."""
