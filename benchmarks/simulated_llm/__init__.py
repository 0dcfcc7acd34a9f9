"""A test instrument: a server that speaks the Messages API, answered by a simulated proposer.

No language model is in it, and results with it are never reported as an LLM's. Run it as a process of its own:

    python -m benchmarks.simulated_llm --count-noise 0.5 --bias 0.15 --invalid-share 0.1 --fault 429=0.1
"""
