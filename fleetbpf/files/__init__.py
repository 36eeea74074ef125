"""The operator's own files: private, whole, and trusted only where nobody else may write."""
