"""The standard library's entry points, replaced once and for the whole OS process by dispatchers.

A dispatcher looks at the current greenlet: inside a simulated task it calls the virtual implementation with that task
as first argument, anywhere else the original. So nothing changes outside the net.

    table      THE list of what is intercepted, per Python version
    dispatch   makes dispatchers and puts them in place, also where modules and classes had captured the originals
    driver     what the scheduler calls when it begins and stops driving
    imports    modules that would escape, refused by name
    libraries  adaptations of single libraries that look behind the curtain
    descriptors  what can be done to their numbers beside reading and writing
    files      names of AF_UNIX sockets as the files they would be
    file_times what a program sees of the times of real files: virtual ones
    file_locks locks on files, waited for in virtual time; `special_files` FIFOs and /dev/stdout; `semaphores` refused
    machine    uuid1, os.times, platform, randomness of OpenSSL; `machine_files` /etc/hosts, /proc/net and their like,
               `process_files` /proc/PID
    interpreter  filters of warnings, the locale, limits, the garbage collector: the program's own
    ioctl      bytes that wait; `interface_ioctl` what the interfaces are; `memory` addresses that programs give
    privileges  users, groups, sessions, priorities, limits: the program's own
    signal_wait  masks of signals, pause and sigwait
    atexit, builtins, datetime, fcntl, os, random, select, signal, socket, ssl, sys, thread, time
               a file for each of the standard library's; `locks` beside thread, threading.local in `local`, thread
               idents in `idents`, Python 3.13's threads in `thread_313`; `epoll` beside select
    socket_functions  what the module `socket` has beside the class; socket_names asks names, socket_linger closes
    socket_address    addresses as programs write them, socket_address6 those of AF_INET6
    socket_arguments  the arguments of the class' methods; socket_message those of sendmsg and recvmsg
    socket_transfer   recv, send and their like, and the waiting they do
    socket_watch      what watchers are told of calls
"""

from __future__ import annotations


def install() -> None:
    """Put all dispatchers in place, once; see `driver.install`."""
    from netarium.programs.shims import driver

    driver.install()
