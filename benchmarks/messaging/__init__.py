"""Two processes exchange messages over each system: latency, throughput, loss, memory."""
