[version: nil]
