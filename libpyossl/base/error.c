/* The thread's record of its last failure, and the only reader of OpenSSL's queue. */
#undef OSL_ANALYZER /* what it would stand in for is defined here */
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum {
    ENTRY_MAX = OSL_ERRORS_MAX,
    DETAIL_MAX = OSL_ERROR_DETAIL_MAX,
    TEXT_MAX = OSL_ERROR_TEXT_MAX
};

/* Fixed size and in the thread: recording allocates nothing, so it works out of memory too. */
struct pyossl_error {
    pyossl_status status;
    int number; /* errno */
    size_t count;
    pyossl_error_entry entries[ENTRY_MAX];
    char details[ENTRY_MAX][DETAIL_MAX];
    char reasons[ENTRY_MAX][TEXT_MAX]; /* texts of system errors */
};

static _Thread_local pyossl_error record;

static void record_clear(pyossl_status status)
{
    record.status = status;
    record.number = 0;
    record.count = 0;
}

/* strerror_r() comes in two shapes; this works with either. */
static const char *system_text(int number, char *room, size_t size)
{
#if defined(_WIN32)
    if (strerror_s(room, size, number) == 0)
        return room;
#elif defined(__GLIBC__) && defined(_GNU_SOURCE)
    return strerror_r(number, room, size);
#else
    if (strerror_r(number, room, size) == 0)
        return room;
#endif
    snprintf(room, size, "error %d", number);
    return room;
}

static void record_add(unsigned long code, const char *library, const char *reason,
                       const char *detail)
{
    size_t i = record.count;

    if (i == ENTRY_MAX)
        return;
    snprintf(record.details[i], DETAIL_MAX, "%s", detail != NULL ? detail : "");
    record.entries[i].code = code;
    record.entries[i].library = library != NULL ? library : "";
    record.entries[i].function = "";
    record.entries[i].reason = reason != NULL ? reason : "";
    record.entries[i].detail = record.details[i];
    record.count++;
}

/* Move OpenSSL's queue, oldest first, to the record. True if it tells of a lack of memory. */
static bool record_drain(void)
{
    bool nomem = false;
    unsigned long code;
    const char *data;
    int flags;

    while ((code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
        const char *reason = ERR_reason_error_string(code);

        if (ERR_SYSTEM_ERROR(code) && record.count < ENTRY_MAX) {
            reason = system_text(ERR_GET_REASON(code), record.reasons[record.count], TEXT_MAX);
            if (record.number == 0)
                record.number = ERR_GET_REASON(code);
        }
        if (!ERR_SYSTEM_ERROR(code) && ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
            nomem = true;
        if (reason == NULL) /* OpenSSL has codes without a text */
            reason = pyossl_status_text(record.status);
        record_add(code, ERR_lib_error_string(code), reason,
                   (flags & ERR_TXT_STRING) != 0 ? data : NULL);
    }
    return nomem;
}

pyossl_status osl_fail(pyossl_status status)
{
    record_clear(status);
    if (record_drain())
        record.status = PYOSSL_E_NOMEM;
    if (record.count == 0)
        record_add(0, OSL_LIBRARY_NAME, pyossl_status_text(status), NULL);
    return record.status;
}

pyossl_status osl_fail_detail(pyossl_status status, const char *reason, const char *detail)
{
    record_clear(status);
    if (record_drain())
        record.status = PYOSSL_E_NOMEM;
    record_add(0, OSL_LIBRARY_NAME, reason, detail);
    return record.status;
}

pyossl_status osl_fail_text(pyossl_status status, const char *reason)
{
    return osl_fail_detail(status, reason, NULL);
}

pyossl_status osl_fail_errno(int number, const char *detail)
{
    record_clear(PYOSSL_E_SYSTEM);
    (void)record_drain();
    record.number = number;
    if (record.count < ENTRY_MAX)
        record_add(ERR_PACK(ERR_LIB_SYS, 0, number), "system library",
                   system_text(number, record.reasons[record.count], TEXT_MAX), detail);
    return PYOSSL_E_SYSTEM;
}

pyossl_status osl_fail_nomem(void)
{
    return osl_fail_text(PYOSSL_E_NOMEM, "out of memory");
}

pyossl_status osl_fail_number(pyossl_status status, const char *reason, int64_t number)
{
    char text[sizeof "-9223372036854775808"];

    snprintf(text, sizeof text, "%" PRId64, number);
    return osl_fail_detail(status, reason, text);
}

/* ---- more words for the last entry ---- */

static pyossl_status add_detail(pyossl_status status, const char *lead, const char *words)
{
    if (status < PYOSSL_OK && record.count > 0) {
        char *detail = record.details[record.count - 1];
        const size_t len = strlen(detail);

        snprintf(detail + len, DETAIL_MAX - len, "%s%s", len > 0 ? lead : "", words);
    }
    return status;
}

static bool is_said(const char *words)
{
    return record.count > 0 && strstr(record.details[record.count - 1], words) != NULL;
}

pyossl_status osl_in_file(pyossl_status status, const char *path)
{
    return is_said(path) ? status : add_detail(status, ", in ", path);
}

pyossl_status osl_hint(pyossl_status status, const char *words)
{
    return is_said(words) ? status : add_detail(status, ", ", words);
}

enum { SHOWN_MAX = OSL_GIVEN_MAX + sizeof "..." };

static const char *shown(char room[SHOWN_MAX], const char *text, size_t len)
{
    const size_t most = len < OSL_GIVEN_MAX ? len : OSL_GIVEN_MAX;

    for (size_t i = 0; i < most; i++)
        room[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
    snprintf(room + most, SHOWN_MAX - most, "%s", len > most ? "..." : "");
    return len > 0 ? room : "(empty)";
}

pyossl_status osl_given_as(pyossl_status status, const char *lead, const char *text, size_t len)
{
    char room[SHOWN_MAX];

    return status == PYOSSL_E_NOMEM ? status : add_detail(status, lead, shown(room, text, len));
}

pyossl_status osl_given(pyossl_status status, const char *text, size_t len)
{
    char room[SHOWN_MAX];

    return is_said(shown(room, text, len)) ? status : osl_given_as(status, ", in ", text, len);
}

void osl_error_explain(int library, int reason, const char *detail)
{
    for (size_t i = record.count; i-- > 0;) {
        const unsigned long code = record.entries[i].code;

        if (code != 0 && ERR_GET_LIB(code) == library && ERR_GET_REASON(code) == reason) {
            snprintf(record.details[i], DETAIL_MAX, "%s", detail);
            return;
        }
    }
}

/* ---- a record that outlives the thread's next failure ---- */

typedef struct kept_entry {
    unsigned long code;
    const char *library, *reason; /* static; reason is NULL where it is the one in text */
    char text[TEXT_MAX], detail[DETAIL_MAX];
} kept_entry;

struct osl_kept_error {
    int number;
    size_t count;
    kept_entry entries[];
};

osl_kept_error *osl_error_keep(void)
{
    osl_kept_error *kept = OPENSSL_zalloc(sizeof *kept + record.count * sizeof kept->entries[0]);

    if (kept == NULL)
        return NULL;
    kept->number = record.number;
    kept->count = record.count;
    for (size_t i = 0; i < record.count; i++) {
        kept_entry *entry = &kept->entries[i];

        entry->code = record.entries[i].code;
        entry->library = record.entries[i].library;
        if (record.entries[i].reason == record.reasons[i])
            snprintf(entry->text, TEXT_MAX, "%s", record.reasons[i]);
        else
            entry->reason = record.entries[i].reason;
        snprintf(entry->detail, DETAIL_MAX, "%s", record.details[i]);
    }
    return kept;
}

void osl_error_forget(osl_kept_error *kept)
{
    OPENSSL_free(kept);
}

pyossl_status osl_fail_again(pyossl_status status, const osl_kept_error *kept)
{
    record_clear(status);
    (void)record_drain(); /* there is nothing in the queue that belongs to this */
    record.count = 0;
    record.number = kept->number;
    for (size_t i = 0; i < kept->count; i++) {
        const kept_entry *entry = &kept->entries[i];
        const char *reason = entry->reason;

        if (reason == NULL) {
            snprintf(record.reasons[i], TEXT_MAX, "%s", entry->text);
            reason = record.reasons[i];
        }
        record_add(entry->code, entry->library, reason, entry->detail);
    }
    return status;
}

void osl_aside_put(osl_aside *aside)
{
    const char *text;
    unsigned long code;
    int flags;

    aside->number = errno;
    aside->status = record.status;
    aside->record = record.count > 0 ? osl_error_keep() : NULL;
    aside->lost = record.count > 0 && aside->record == NULL;
    aside->count = 0;
    if (ERR_peek_error() == 0)
        return;
    while (aside->count < OSL_ERRORS_MAX &&
           (code = ERR_get_error_all(NULL, NULL, NULL, &text, &flags)) != 0) {
        const bool has_text = text != NULL && (flags & ERR_TXT_STRING) != 0;

        aside->codes[aside->count] = code;
        snprintf(aside->texts[aside->count], OSL_ERROR_TEXT_MAX, "%s", has_text ? text : "");
        aside->count++;
    }
}

void osl_aside_bring_back(osl_aside *aside)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
    if (aside->record != NULL)
        (void)!osl_fail_again(aside->status, aside->record);
    else if (!aside->lost)
        record_clear(aside->status);
    osl_error_forget(aside->record);
    for (size_t i = 0; i < aside->count; i++) {
        const char *text = aside->texts[i];

        ERR_new();
        if (text[0] != '\0')
            ERR_set_error(ERR_GET_LIB(aside->codes[i]), ERR_GET_REASON(aside->codes[i]), "%s",
                          text);
        else
            ERR_set_error(ERR_GET_LIB(aside->codes[i]), ERR_GET_REASON(aside->codes[i]), NULL);
    }
    errno = aside->number;
}

pyossl_status osl_refuse(pyossl_status status, const char *reason)
{
    OSL_API_ENTER;
    return osl_fail_text(status, reason);
}

pyossl_status osl_refuse_argument(const char *needed)
{
    OSL_API_ENTER;
    return osl_fail_detail(PYOSSL_E_ARGUMENT, "NULL, or a length that nothing has, where needed",
                           needed);
}

const pyossl_error *pyossl_error_last(void)
{
    return &record;
}

void pyossl_error_clear(void)
{
    record_clear(PYOSSL_OK);
}

pyossl_status pyossl_error_status(const pyossl_error *error)
{
    return error != NULL ? error->status : PYOSSL_E_ARGUMENT;
}

int pyossl_error_errno(const pyossl_error *error)
{
    return error != NULL && error->status == PYOSSL_E_SYSTEM ? error->number : 0;
}

size_t pyossl_error_count(const pyossl_error *error)
{
    return error != NULL ? error->count : 0;
}

const pyossl_error_entry *pyossl_error_entry_at(const pyossl_error *error, size_t index)
{
    return error != NULL && index < error->count ? &error->entries[index] : NULL;
}
