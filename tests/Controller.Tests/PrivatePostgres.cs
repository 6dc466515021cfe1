using System.Diagnostics;
using Npgsql;

namespace Bulkhead.Controller.Tests;

/// <summary>
/// Debian's PostgreSQL in a folder of its own, reached through a socket there; for the life of this process. It runs as an unprivileged user, and ends with
/// us however we end: its shell waits for the end of our pipe.
/// </summary>
internal sealed class PrivatePostgres
{
    private const string User = "postgres";
    private static readonly Lazy<PrivatePostgres> s_shared = new(Start);
    private static int s_databases;
    private readonly Process _shell;
    private readonly string _folder;

    private PrivatePostgres(Process shell, string folder) => (_shell, _folder) = (shell, folder);

    /// <summary>The server that tests share, each with a database of its own.</summary>
    public static PrivatePostgres Shared => s_shared.Value;

    /// <summary>Starts a server of one's own.</summary>
    public static PrivatePostgres Start()
    {
        var folder = Directory.CreateTempSubdirectory("bulkhead-pg-").FullName;
        var shell = Process.Start(new ProcessStartInfo("sh", ["-c", Script(folder)]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            shell.StandardInput.Close();
            shell.WaitForExit(10_000);
        };
        Await(shell);
        return new(shell, folder);
    }

    /// <summary>Makes an empty database; its connection string.</summary>
    public string NewDatabase()
    {
        var name = $"test{Interlocked.Increment(ref s_databases)}";
        using var connection = new NpgsqlConnection(ConnectionString("postgres"));
        connection.Open();
        using var command = new NpgsqlCommand($"CREATE DATABASE {name} TEMPLATE template0", connection);
        command.ExecuteNonQuery();
        return ConnectionString(name);
    }

    /// <summary>Kills all processes of the server, and starts it again.</summary>
    public void Crash()
    {
        _shell.StandardInput.WriteLine("crash");
        Await(_shell);
    }

    private static void Await(Process shell)
    {
        if (shell.StandardOutput.ReadLine() != "started")
        {
            throw new InvalidOperationException("PostgreSQL does not start; scripts/install-packages.sh installs it.");
        }
    }

    private static string Script(string folder)
    {
        var bin = Directory.GetDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).Last() + "/bin";
        var (own, drop) = Environment.IsPrivilegedProcess ? ($"chown {User}: .", $"setpriv --reuid={User} --regid={User} --init-groups") : ("true", "env");
        // fsync off: what is survived here is the death of processes, not of the machine.
        return $$"""
            set -eu
            cd {{folder}}
            {{own}}
            chmod 755 .
            {{drop}} {{bin}}/initdb -D data --username={{User}} --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync > log 2>&1
            start() {
              {{drop}} {{bin}}/postgres -D data -k {{folder}} -c listen_addresses= -c fsync=off -c shared_buffers=32MB -c max_connections=200 -c jit=off \
                -c max_parallel_workers=0 -c unix_socket_permissions=0777 >> log 2>&1 < /dev/null &
              pid=$!
              until {{bin}}/pg_isready -q -h {{folder}} -U {{User}}; do
                kill -0 "$pid"
                sleep 0.05
              done
              echo started
            }
            start
            while read -r order; do
              # Stopped, it makes no more children while they are listed; a new server refuses to start beside one of the old one's.
              kill -STOP "$pid" 2> /dev/null || true
              children=$(ps -o pid= --ppid "$pid" || true)
              kill -KILL "$pid" $children 2> /dev/null || true
              wait "$pid" 2> /dev/null || true
              for child in $children; do
                while kill -0 "$child" 2> /dev/null; do sleep 0.02; done
              done
              rm -f data/postmaster.pid
              start
            done
            kill -QUIT "$pid" 2> /dev/null || true
            wait "$pid" 2> /dev/null || true
            cd /
            rm -rf {{folder}}
            """;
    }

    private string ConnectionString(string database) => $"Host={_folder};Username={User};Database={database};Maximum Pool Size=20";
}
