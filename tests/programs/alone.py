"""Run a program that reaches no host but this one: alone.py PROGRAM ARGUMENT ...

It has a network of its own, with nothing but the loopback interface. Where Linux
does not allow that, exit status 77.
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys

NEW_NETWORK, NEW_USER = 0x40000000, 0x10000000  # <linux/sched.h>
SET_FLAGS, UP = 0x8914, 0x1  # SIOCSIFFLAGS, IFF_UP

if __name__ == "__main__":
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    # Who is not root needs to be so in a name space of users first.
    if unshare(NEW_NETWORK) and unshare(NEW_NETWORK | NEW_USER):
        print("no network name space:", os.strerror(ctypes.get_errno()))
        sys.exit(77)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sH14x", b"lo", UP))
    os.execv(sys.argv[1], sys.argv[1:])
