"""Real applications that nobody here wrote, and prompts for them in the words people use.

`python -m bench.applications` installs the applications from their registries into a folder of their own, starts a
control plane and a host, gives each prompt to a fresh copy of its application through the public API, and asks the
application's own database, files or page what is true then. The prompts are in one file for each round in which
they were written; each application's module here has how it is served and its judges.
"""
