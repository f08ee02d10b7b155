"""Sphinx: the guide, the decisions, and the reference that Doxygen reads from the headers."""

project = "libpyossl"
author = "the libpyossl authors"
copyright = "the libpyossl authors"  # noqa: A001, the name is Sphinx's

extensions = ["breathe", "sphinx.ext.autosectionlabel"]
autosectionlabel_prefix_document = True
suppress_warnings = ["autosectionlabel.*"]
# Where the XML lies is said on the command line: see meson.build.
breathe_projects = {"pyossl": "xml"}
breathe_default_project = "pyossl"
breathe_domain_by_extension = {"h": "c"}
breathe_show_include = False

exclude_patterns = ["examples/README*"]
html_theme = "alabaster"
html_theme_options = {"description": "TLS, certificates and keys over OpenSSL 3", "page_width": "1000px"}
html_copy_source = False
html_show_sourcelink = False

# Types of the C library, of OpenSSL and of the platform have no page here.
nitpick_ignore_regex = [("c:.*", ".*")]
