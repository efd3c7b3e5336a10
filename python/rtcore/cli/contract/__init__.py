"""What an application answers to, as types: for TypeScript, and as an AsyncAPI document."""
