"""The texts that models are sent, one file each; `$name` stands for what is filled in."""
