"""Where the process `synthor` begins: signals are minded from its first moment, before anything slow is imported."""

import sys

from cli.interruption import Interruption, end


def main() -> None:
    """Run the command, then exit with its code."""
    interruption = Interruption()
    code = 0
    try:
        with interruption.watched():
            from cli.main import main as run_command

            code = run_command()
    except KeyboardInterrupt:
        if interruption.signal is None:
            raise
    if interruption.signal:
        code = interruption.exit_code
        print(interruption.line, file=sys.stderr)
    if code in (130, 143):  # whoever interrupts does not wait for what libraries do at exit
        sys.stdout.flush()
        sys.stderr.flush()
        end(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
