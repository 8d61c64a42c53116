"""Agreements, requests and approvals: may this leave?"""
