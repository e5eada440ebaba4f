"""The figures: what Tabkeep costs beside the least that the same thing could cost, measured in the same run.

One module per question (`QUESTIONS` in `__main__`), each with `AIM` and `measure`. The other modules are what they
stand on: programs that are started and ended, the load, simulated hosts, floors, and the figures themselves.

The two sides of a comparison take turns, and each repetition is compared with its neighbour, so that whatever else
the machine does meanwhile hits both. Ratios are medians over the repetitions.
"""
