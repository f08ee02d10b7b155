/* main() for a fuzz target without libFuzzer: runs every file of the folders and files named. */
#include "fuzz.h"

#include <dirent.h>

static unsigned long count;

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t len = 0, got;
    uint8_t chunk[65536];

    CHECK(file != NULL);
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0) {
        data = realloc(data, len + got);
        CHECK(data != NULL);
        memcpy(data + len, chunk, got);
        len += got;
    }
    fclose(file);
    /* An exact copy, so that a sanitizer sees the first byte read behind it. */
    (void)LLVMFuzzerTestOneInput(data, len);
    free(data);
    count++;
}

static void run_path(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;

    if (folder == NULL) {
        run_file(path);
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        char inside[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        run_file(inside);
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    (void)LLVMFuzzerTestOneInput(NULL, 0);
    printf("%lu inputs\n", count);
    return count > 0 ? 0 : 1;
}
