"""The course: scenarios in teaching order. Each is a folder of this package that defines SCENARIO."""

COURSE = ("cqrs", "middleware", "events", "microservices")
