"""Kernels that start in a fraction of a second, and cold ones that behave alike.

`template` is the process that kernels are forked from and `child` what a fork does before it is a
kernel; both are run as scripts and import nothing of this package. `server` starts the template
and asks it for kernels, `provisioner` offers them to Jupyter, `launch` to papermill's engine.
"""
