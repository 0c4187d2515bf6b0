[releases: ["Release-Test": []]]
