/* Connections whose peers send what is counted. */
#ifndef MEET_H
#define MEET_H

#include "made.h"

void meet_names(const made *in);
void meet_chain(const made *in);
void meet_chain_in_datagrams(const made *in);
void meet_server_name(const made *in);
void use_files(const made *in);
void meet_protocols(const made *in);
void meet_response(const made *in);
void meet_records(const made *in);
void meet_datagrams(const made *in);

#endif
