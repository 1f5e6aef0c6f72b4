"""What the Python tests share: processes, content, verifier files and the servers they start."""
