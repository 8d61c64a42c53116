"""Imported by the fork server alone, first of all: Ctrl-C is for the process that asked, which then ends its workers."""

import signal

from bailee.core.lean import start_lean

signal.signal(signal.SIGINT, signal.SIG_IGN)
start_lean()
