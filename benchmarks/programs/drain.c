/* The limit: execute a prepared statement and throw its binary rows away.

       drain HOST PORT USER DATABASE QUERY       (password in MYSQL_PWD)

   No column is bound, so the client library reads each packet and looks no further. */
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

int main(int argc, char **argv) {
  if (argc != 6) fail("usage", "drain HOST PORT USER DATABASE QUERY");
  double started = now();
  MYSQL *connection = mysql_init(NULL);
  if (!mysql_real_connect(connection, argv[1], argv[3], getenv("MYSQL_PWD"), argv[4],
                          (unsigned)atoi(argv[2]), NULL, 0))
    fail("connect", mysql_error(connection));
  MYSQL_STMT *statement = mysql_stmt_init(connection);
  if (mysql_stmt_prepare(statement, argv[5], strlen(argv[5])) || mysql_stmt_execute(statement))
    fail("execute", mysql_stmt_error(statement));
  unsigned long rows = 0;
  int status;
  while ((status = mysql_stmt_fetch(statement)) == 0 || status == MYSQL_DATA_TRUNCATED) rows++;
  if (status != MYSQL_NO_DATA) fail("fetch", mysql_stmt_error(statement));
  printf("{\"seconds\": %.4f, \"rows\": %lu}\n", now() - started, rows);
  mysql_stmt_close(statement);
  mysql_close(connection);
  return 0;
}
