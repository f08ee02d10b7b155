/* Turns the lines of a .def file into rows of a PyMethodDef array; see shapes.h. */
#undef GET_LONG
#undef GET_ULONG
#undef GET_BOOL
#undef GET_STR
#undef GET_CBYTES
#undef GET_CONST
#undef GET_CONST_BYTES
#undef GET_BUF
#undef GET_BUF_OR_NONE
#undef GET_NEW
#undef GET_NEW_OR_NONE
#undef GET_CERTS_OR_NONE
#undef GET_HASH
#undef DO
#undef DO_SLOW
#undef SET_LONG
#undef SET_INT
#undef SET_TEXT
#undef SET_BYTES
#undef SET_OBJ
#undef SET_PATH
#undef CUSTOM
#undef ELSEWHERE

#define PO_FAST_ (METH_FASTCALL | METH_KEYWORDS)
#define PO_ROW_(name, flags, signature, doc)                                                       \
    PO_ROW_OF_(name, po_m_##name, flags, signature, doc)
#define PO_ROW_OF_(name, function, flags, signature, doc)                                          \
    { #name, (PyCFunction)(void (*)(void))function, flags, #name signature "\n--\n\n" doc },
#define PO_ROW0_(name, doc) PO_ROW_(name, METH_NOARGS, "($self)", doc)
#define PO_ROW1_(name, argument, doc) PO_ROW_(name, PO_FAST_, "($self, " #argument ")", doc)

#define GET_LONG(name, get, doc) PO_ROW0_(name, doc)
#define GET_ULONG(name, get, doc) PO_ROW0_(name, doc)
#define GET_BOOL(name, get, doc) PO_ROW0_(name, doc)
#define GET_STR(name, get, doc) PO_ROW0_(name, doc)
#define GET_CBYTES(name, get, doc) PO_ROW0_(name, doc)
#define GET_CONST(name, get, doc) PO_ROW0_(name, doc)
#define GET_CONST_BYTES(name, get, doc) PO_ROW0_(name, doc)
#define GET_BUF(name, get, doc) PO_ROW0_(name, doc)
#define GET_BUF_OR_NONE(name, get, doc) PO_ROW0_(name, doc)
#define GET_NEW(name, get, type, id, doc) PO_ROW0_(name, doc)
#define GET_NEW_OR_NONE(name, get, type, id, doc) PO_ROW0_(name, doc)
#define GET_CERTS_OR_NONE(name, get, doc) PO_ROW0_(name, doc)
#define GET_HASH(name, get, doc) PO_ROW0_(name, doc)
#define DO(name, call, doc) PO_ROW0_(name, doc)
#define DO_SLOW(name, call, doc) PO_ROW0_(name, doc)
#define SET_LONG(name, set, argument, doc) PO_ROW1_(name, argument, doc)
#define SET_INT(name, set, argument, doc) PO_ROW1_(name, argument, doc)
#define SET_TEXT(name, set, argument, doc) PO_ROW1_(name, argument, doc)
#define SET_BYTES(name, set, argument, doc) PO_ROW1_(name, argument, doc)
#define SET_OBJ(name, set, argument, id, doc) PO_ROW1_(name, argument, doc)
#define SET_PATH(name, set, argument, doc) PO_ROW1_(name, argument, doc)
#define CUSTOM(name, flags, signature, doc) PO_ROW_(name, flags, signature, doc)
#define ELSEWHERE(name, function, flags, signature, doc)                                           \
    PO_ROW_OF_(name, function, flags, signature, doc)
