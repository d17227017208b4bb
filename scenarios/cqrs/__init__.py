"""CQRS: do reads and writes need different models?"""
