_env_info: str
