"""FCS files 2.0 to 3.2: header, keywords, channels, events, and how they were acquired."""
