"""What trainings and writings are timed by."""
import time

import torch


def clock():
    """Seconds of processor time over all threads, or where a GPU computes, of time that passes."""
    return time.process_time() if torch.get_default_device().type == 'cpu' else time.monotonic()
