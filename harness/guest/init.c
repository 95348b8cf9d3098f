// SPDX-License-Identifier: GPL-2.0
/*
 * Process 1 of a test machine: runs the programs named on the kernel's command
 * line, reports on a serial port of its own, looks for leaks and taint, and
 * switches the machine off.
 *
 * Command line:
 *   tests=a,b          /bin/a, then /bin/b
 *   test_timeout=N     seconds for each of them, 120 if not given
 *   report=/dev/X      where to report, /dev/ttyS1 if not given
 *   taint_ok=N         bits of the taint that may be set, 0 if not given
 *
 * The report is KTAP: a result for each program, with what it printed nested
 * before it, so with its own results if it speaks KTAP or TAP too.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
#define TAINTED		"/proc/sys/kernel/tainted"
#define EXIT_SKIP	4
/* kmemleak reports objects only when they are that old, in seconds */
#define LEAK_AGE	6

static FILE *report;
static char cmdline[4096];
static char *tests[64];
static int ntests;
static int test_timeout = 120;
static unsigned long taint_ok;
static int nresults;

static void power_off(void)
{
	if (report) {
		fflush(report);
		tcdrain(fileno(report));
	}
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* Nothing sensible can be done any more: say why, and stop the machine */
static void die(const char *what)
{
	const char *why = strerror(errno);

	fprintf(stderr, "init: %s: %s\n", what, why);
	if (report)
		fprintf(report, "Bail out! init: %s: %s\n", what, why);
	power_off();
}

static void mount_one(const char *type, const char *where)
{
	if (mkdir(where, 0755) && errno != EEXIST)
		die(where);
	if (mount(type, where, type, 0, NULL) && errno != EBUSY)
		die(where);
}

static void mount_all(void)
{
	mount_one("devtmpfs", "/dev");
	mount_one("proc", "/proc");
	mount_one("sysfs", "/sys");
	mount_one("debugfs", "/sys/kernel/debug");
	mount_one("tmpfs", "/tmp");
}

/* Reads a small file; returns false if it is not there */
static bool read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	if (n < 0)
		return false;
	text[n] = 0;
	return true;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static void read_tests(char *list)
{
	char *save, *name;

	for (name = strtok_r(list, ",", &save); name;
	     name = strtok_r(NULL, ",", &save)) {
		if (ntests == ARRAY_SIZE(tests)) {
			errno = E2BIG;
			die("tests=");
		}
		tests[ntests++] = name;
	}
}

/* Returns where to report */
static const char *read_command_line(void)
{
	const char *where = "/dev/ttyS1";
	char *save, *word;

	if (!read_file("/proc/cmdline", cmdline, sizeof(cmdline)))
		die("/proc/cmdline");
	for (word = strtok_r(cmdline, " \n", &save); word;
	     word = strtok_r(NULL, " \n", &save)) {
		if (!strncmp(word, "tests=", 6))
			read_tests(word + 6);
		else if (!strncmp(word, "test_timeout=", 13))
			test_timeout = atoi(word + 13);
		else if (!strncmp(word, "taint_ok=", 9))
			taint_ok = strtoul(word + 9, NULL, 0);
		else if (!strncmp(word, "report=", 7))
			where = word + 7;
	}
	return where;
}

static void open_report(const char *where)
{
	struct termios tio;
	int fd;

	fd = open(where, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		die(where);
	if (!tcgetattr(fd, &tio)) {
		cfmakeraw(&tio);
		tcsetattr(fd, TCSANOW, &tio);
	}
	report = fdopen(fd, "w");
	if (!report)
		die(where);
	setlinebuf(report);
}

/* @why: NULL if there is nothing to add */
static void result(bool ok, const char *name, const char *why)
{
	fprintf(report, "%sok %d %s%s%s\n", ok ? "" : "not ", ++nresults, name,
		why ? " # " : "", why ? why : "");
}

/* Passes on what a program prints, each line indented */
static void pass_on(const char *text, size_t len, bool *line_begins)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (*line_begins)
			fputs("  ", report);
		*line_begins = text[i] == '\n';
		fputc(text[i], report);
	}
}

static pid_t start_program(const char *name, int out)
{
	char path[128];
	pid_t pid;

	snprintf(path, sizeof(path), "/bin/%s", name);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid)
		return pid;

	setsid();
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	close(out);
	execl(path, path, NULL);
	printf("# %s: %s\n", path, strerror(errno));
	fflush(stdout);
	_exit(127);
}

/* Whatever a program has started dies with it; nobody else is there */
static void kill_everybody(void)
{
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

/*
 * Passes on what @pid prints until it has ended, or its time is up. Returns
 * false in the latter case. Children of it may hold the pipe open for longer.
 */
static bool follow(pid_t pid, int in, int *status)
{
	time_t end = time(NULL) + test_timeout;
	bool line_begins = true, ended = false;
	struct pollfd pfd = { .fd = in, .events = POLLIN };
	char text[4096];
	ssize_t n;

	while (!ended && time(NULL) < end) {
		ended = waitpid(pid, status, WNOHANG) == pid;
		if (poll(&pfd, 1, 50) <= 0)
			continue;
		n = read(in, text, sizeof(text));
		if (n > 0)
			pass_on(text, n, &line_begins);
	}
	kill_everybody();
	while ((n = read(in, text, sizeof(text))) > 0)
		pass_on(text, n, &line_begins);
	if (!line_begins)
		fputc('\n', report);
	return ended;
}

static void run_program(const char *name)
{
	int pipefd[2], status = 0;
	bool ended, skipped;
	char why[64] = "";
	pid_t pid;

	if (pipe(pipefd))
		die("pipe");
	pid = start_program(name, pipefd[1]);
	close(pipefd[1]);
	ended = follow(pid, pipefd[0], &status);
	close(pipefd[0]);

	if (!ended)
		snprintf(why, sizeof(why), "not done after %d s", test_timeout);
	else if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "killed by signal %d",
			 WTERMSIG(status));
	else if (WEXITSTATUS(status) == EXIT_SKIP)
		snprintf(why, sizeof(why), "SKIP the program says so");
	else if (WEXITSTATUS(status))
		snprintf(why, sizeof(why), "exit status %d",
			 WEXITSTATUS(status));
	skipped = ended && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP;
	result(skipped || !*why, name, *why ? why : NULL);
}

/* Two scans: the first may take an object for leaked that is on the move */
static void test_kmemleak(void)
{
	char line[256];
	int leaks = 0;
	FILE *f;

	sleep(LEAK_AGE);
	write_file(KMEMLEAK, "scan");
	sleep(1);
	write_file(KMEMLEAK, "scan");

	f = fopen(KMEMLEAK, "r");
	if (!f)
		die(KMEMLEAK);
	while (fgets(line, sizeof(line), f)) {
		leaks += !strncmp(line, "unreferenced", 12);
		fprintf(report, "# %s", line);
	}
	fclose(f);
	snprintf(line, sizeof(line), "%d objects", leaks);
	result(!leaks, "kmemleak", leaks ? line : NULL);
}

static void test_taint(void)
{
	char text[32];
	bool tainted;

	if (!read_file(TAINTED, text, sizeof(text)))
		die(TAINTED);
	text[strcspn(text, "\n")] = 0;
	tainted = strtoul(text, NULL, 10) & ~taint_ok;
	result(!tainted, "taint", tainted ? text : NULL);
}

int main(void)
{
	bool leaks;
	int i;

	mount_all();
	open_report(read_command_line());
	leaks = !access(KMEMLEAK, F_OK);

	fprintf(report, "KTAP version 1\n1..%d\n", ntests + leaks + 1);
	for (i = 0; i < ntests; i++)
		run_program(tests[i]);
	if (leaks)
		test_kmemleak();
	test_taint();
	power_off();
}
