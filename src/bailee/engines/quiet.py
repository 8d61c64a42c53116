"""Imported by the fork server alone, first of all: Ctrl-C is for the process that asked, which then ends its workers."""

import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)
