call "%~dp0\{{ name }}" eval {{ tasks.module }}.migrate
