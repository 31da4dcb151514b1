#pragma once
/* Tells the service manager that started this program how it is (sd_notify(3)); nothing happens where none asked. */

/* "READY=1", "STOPPING=1", "STATUS=…" */
void notify_manager(const char *state);
