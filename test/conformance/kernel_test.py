"""Jupyter's own kernel test suite on Braid: every sample that it offers is filled in.

Run by kernel.test.ts; by hand: .venv/bin/python -m unittest -v test/conformance/kernel_test.py
"""

import unittest

import jupyter_kernel_test


class BraidKernelTests(jupyter_kernel_test.KernelTests):
    kernel_name = "braid"
    language_name = "typescript"
    file_extension = ".ts"

    code_hello_world = "console.log('hello, world')"
    code_stderr = "console.error('oops')"
    code_generate_error = "throw new RangeError('on purpose')"

    completion_samples = [
        {"text": "Math.ma", "matches": {"max"}},
        {"text": "const abc = [1, 2, 3]; abc.fla", "matches": {"flat", "flatMap"}},
    ]
    complete_code_samples = ["1", "const f = () => 1", "function g() {\n  return 1\n}", "await Promise.resolve(1)"]
    incomplete_code_samples = ["function g() {", "const a = [1,", "`text", "if (true) {\n  1"]
    invalid_code_samples = ["const = 3", "let 1x = 2", ") + 1"]

    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "'a' + 'b'", "result": "'ab'"},
        {"code": "await Promise.resolve([1, 2])", "result": "[ 1, 2 ]"},
    ]
    code_display_data = [
        {"code": "import { html } from 'braid/notebook'; html('<b>bold</b>'); undefined", "mime": "text/html"},
        {"code": "import { svg } from 'braid/notebook'; svg('<svg/>'); undefined", "mime": "image/svg+xml"},
    ]
    code_inspect_sample = "Math.max"
    code_clear_output = "import { clearOutput } from 'braid/notebook'; clearOutput()"
    code_history_pattern = "6 ? 7*"
    supported_history_operations = ("tail", "range", "search")


if __name__ == "__main__":
    unittest.main()
