"""What a learner does with a lesson: predictions, questions, reviews."""
