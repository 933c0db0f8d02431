"""What is asked, and the plan that answers it: the one model of both, from the command line to plan.json and back."""
