"""`python -m channels.sandbox --port 9000 --drawing-seconds 0.2`"""

from argparse import ArgumentParser

from .options import add_arguments, from_arguments
from .server import run

parser = ArgumentParser(prog="python -m channels.sandbox", description="The sandbox upstream.")
add_arguments(parser)
run(from_arguments(parser.parse_args()))
