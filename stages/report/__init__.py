"""One page of everything: the finding in pictures, an explorer, every claim at both scales, every experiment."""
