"""Methods that learn from images with a pretrained network: frozen features, or the network itself."""
