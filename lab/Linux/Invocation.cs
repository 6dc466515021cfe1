using System.Diagnostics;
using System.Globalization;

namespace Bulkhead.Lab;

/// <summary>A program to start: in which cgroup, in whose namespaces, as which user.</summary>
internal sealed record Invocation(params string[] Arguments)
{
    private static readonly TimeSpan MovesWithin = TimeSpan.FromSeconds(10);

    /// <summary>The cgroup to be in from before the program runs.</summary>
    public required Cgroup Cgroup { get; init; }

    /// <summary>The process whose network, mount and UTS namespaces to enter; null for none.</summary>
    public int? NamespacesOf { get; init; }

    /// <summary>The user to run as, with that user's group and no other; null for root.</summary>
    public string? User { get; init; }

    /// <summary>The number of the user to run as, with a group of the same number and no other; null for root.</summary>
    public uint? UserId { get; init; }

    /// <summary>Who signed in, as the kernel's audit knows it; null for nobody.</summary>
    public uint? Login { get; init; }

    /// <summary>The folder to run in, as seen in the namespaces.</summary>
    public string? Folder { get; init; }

    /// <summary>Variables added to a minimal environment.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Text for standard input.</summary>
    public string? Input { get; init; }

    /// <summary>Starts it detached: in a session of its own, output appended to a file, outliving this process.</summary>
    /// <returns>The process, in its cgroup or ended; it stays the same through all the programs that lead up to the last.</returns>
    public async Task<Process> StartDetachedAsync(string log, CancellationToken cancellationToken)
    {
        File.Create(log).Dispose();
        var process = Process.Start(Plan(detached: true, log))!;
        await Deadline.UntilAsync(
            () => ValueTask.FromResult(process.HasExited || Cgroup.Processes().Contains(process.Id)),
            MovesWithin,
            $"{Arguments[0]} did not move into its cgroup",
            cancellationToken);
        return process;
    }

    /// <summary>Runs it to its end with this process's own standard streams.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> RunInteractiveAsync(CancellationToken cancellationToken)
    {
        using var process = Process.Start(Plan())!;
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode;
    }

    /// <summary>Runs it to its end, capturing its output. Cancelling kills it.</summary>
    public async Task<CommandResult> RunAsync(CancellationToken cancellationToken)
    {
        var plan = Plan();
        plan.RedirectStandardInput = plan.RedirectStandardOutput = plan.RedirectStandardError = true;
        using var process = Process.Start(plan)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.StandardInput.WriteAsync(Input.AsMemory(), cancellationToken);
            process.StandardInput.Close();
            await Task.WhenAll(output, error, process.WaitForExitAsync(cancellationToken));
            return new(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>Runs it and returns its output.</summary>
    /// <exception cref="LabException">It failed.</exception>
    public async Task<string> RunCheckedAsync(CancellationToken cancellationToken)
    {
        var result = await RunAsync(cancellationToken);
        return result.ExitCode == 0
            ? result.Output
            : throw new LabException($"{string.Join(' ', Arguments)} failed ({result.ExitCode}): {result.Error.Trim()}{result.Output.Trim()}");
    }

    /// <summary>Starts it and waits for its first line of output, leaving it running.</summary>
    /// <exception cref="LabException">It ended without one.</exception>
    public async Task<string> StartUntilFirstLineAsync(CancellationToken cancellationToken)
    {
        var plan = Plan(detached: true);
        plan.RedirectStandardOutput = plan.RedirectStandardError = plan.RedirectStandardInput = true;
        using var process = Process.Start(plan)!;
        return await process.StandardOutput.ReadLineAsync(cancellationToken)
            ?? throw new LabException($"{Arguments[0]} failed: {(await process.StandardError.ReadToEndAsync(cancellationToken)).Trim()}");
    }

    /// <summary>Starts it with its standard input and output for the caller. Errors go where this process's go.</summary>
    public Process StartConnected()
    {
        var plan = Plan();
        plan.RedirectStandardInput = plan.RedirectStandardOutput = true;
        return Process.Start(plan)!;
    }

    private ProcessStartInfo Plan(bool detached = false, string? log = null)
    {
        // The shell moves itself into the cgroup before it becomes the program, so nothing of it is ever elsewhere.
        var plan = new ProcessStartInfo("/bin/sh");
        Add(plan, "-c", "umask 022; echo 0 > \"$0\" || exit 125; [ -z \"$1\" ] || exec >> \"$1\" 2>&1 < /dev/null; [ -z \"$2\" ] || echo \"$2\" > /proc/self/loginuid || exit 125; shift 2; exec \"$@\"");
        Add(plan, Cgroup.ProcsFile, log ?? "", Login?.ToString(CultureInfo.InvariantCulture) ?? "");
        Add(plan, detached ? ["setsid"] : []);
        if (NamespacesOf is { } pid)
        {
            Add(plan, "nsenter", $"--net=/proc/{pid}/ns/net", $"--uts=/proc/{pid}/ns/uts", $"--mount=/proc/{pid}/ns/mnt");
            Add(plan, Folder is null ? [] : [$"--wd={Folder}"]);
            Add(plan, "--");
        }

        if (User is not null)
        {
            Add(plan, "setpriv", $"--reuid={User}", $"--regid={SystemUser.Find(User).Group}", "--clear-groups", "--");
        }

        if (UserId is { } id)
        {
            Add(plan, "setpriv", string.Create(CultureInfo.InvariantCulture, $"--reuid={id}"), string.Create(CultureInfo.InvariantCulture, $"--regid={id}"), "--clear-groups", "--");
        }

        Add(plan, Arguments);
        var term = System.Environment.GetEnvironmentVariable("TERM");
        plan.Environment.Clear();
        plan.Environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin";
        plan.Environment["TERM"] = term ?? "dumb";
        foreach (var (name, value) in Environment)
        {
            plan.Environment[name] = value;
        }

        return plan;
    }

    private static void Add(ProcessStartInfo plan, params string[] arguments)
    {
        foreach (var argument in arguments)
        {
            plan.ArgumentList.Add(argument);
        }
    }
}

/// <summary>How a program ended and what it wrote.</summary>
public sealed record CommandResult(int ExitCode, string Output, string Error);
