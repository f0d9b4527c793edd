"""Simulators of the remote systems, each its own process, written from the API texts and never from our clients.

``server.run`` serves one system; ``control.Control`` plays a person in that system, faults and open points;
``seed`` makes data. Every operation cites its place in the text of its API (``source`` in ``routing.Operation``).
What a text leaves open is a field of that system's ``Switches``.
"""
