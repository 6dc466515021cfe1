using System.Globalization;
using System.Text;
using Bulkhead.Agent.Checks;
using Bulkhead.Agent.Linux;
using Bulkhead.Agent.State;

namespace Bulkhead.Agent.Install;

/// <summary>
/// The agent's units on a host, and what it changed there. Only files with our mark are replaced or removed.
/// </summary>
/// <param name="root">Where the file system begins; other than <c>/</c> for images and tests: then nothing is started or stopped.</param>
internal sealed class Installation(string root)
{
    private const UnixFileMode Readable = DurableFile.Private | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly string _folder = Path.Combine(root, "etc/systemd/system");

    private bool IsRunningSystem => root == "/";

    /// <summary>Writes and enables the units; starts them if the host is paired.</summary>
    /// <exception cref="AgentException">A file is somebody else's, or systemd refuses.</exception>
    public async Task InstallAsync(Units units, StateDirectory state)
    {
        foreach (var (name, _) in units.All)
        {
            if (Read(name) is { } present && !present.StartsWith(Units.Mark, StringComparison.Ordinal))
            {
                throw new AgentException("unit-taken", $"{UnitFile(name)} exists and is not the agent's.", "Move it away, and run install again.");
            }
        }

        RememberSettings(state);
        Directory.CreateDirectory(_folder);
        foreach (var (name, text) in units.All)
        {
            DurableFile.Write(UnitFile(name), Encoding.UTF8.GetBytes(text));
            File.SetUnixFileMode(UnitFile(name), Readable);
        }

        if (IsRunningSystem)
        {
            await SystemdAsync("daemon-reload");
        }

        await SystemdAsync(["enable", .. units.All.Select(unit => unit.Name)]);
        if (IsRunningSystem && File.Exists(state.Identity))
        {
            await SystemdAsync("start", Units.EarlyName, Units.Name);
        }
    }

    /// <summary>Stops, disables and removes the units, and gives the kernel's settings back.</summary>
    /// <exception cref="AgentException">systemd refuses; what was done so far is done.</exception>
    public async Task RemoveAsync(StateDirectory state)
    {
        string[] ours = [.. ((string[])[Units.Name, Units.EarlyName]).Where(name => Read(name)?.StartsWith(Units.Mark, StringComparison.Ordinal) == true)];
        if (ours.Length > 0)
        {
            if (IsRunningSystem)
            {
                await SystemdAsync(["stop", .. ours]);
            }

            await SystemdAsync(["disable", .. ours]);
            foreach (var name in ours)
            {
                DurableFile.Remove(UnitFile(name));
            }

            if (IsRunningSystem)
            {
                await SystemdAsync("daemon-reload");
            }
        }

        RestoreSettings(state);
    }

    private static string SettingsFile(StateDirectory state) => Path.Combine(state.Root, "settings.before");

    /// <summary>Kept once, before the agent first changes them.</summary>
    private static void RememberSettings(StateDirectory state)
    {
        if (!File.Exists(SettingsFile(state)))
        {
            var lines = ConntrackSettings.Read().Select(setting => $"{setting.Path}={setting.Value}\n");
            DurableFile.Write(SettingsFile(state), Encoding.UTF8.GetBytes(string.Concat(lines)));
        }
    }

    private static void RestoreSettings(StateDirectory state)
    {
        foreach (var line in DurableFile.Read(SettingsFile(state)) is { } kept ? Encoding.UTF8.GetString(kept).Split('\n', StringSplitOptions.RemoveEmptyEntries) : [])
        {
            if (line.Split('=') is [var path, var value] && ConntrackSettings.Paths.Contains(path))
            {
                File.WriteAllText(path, value);
            }
        }
    }

    private async Task SystemdAsync(params string[] arguments)
    {
        var (exit, _, errors) = await Tool.RunAsync("systemctl", IsRunningSystem ? arguments : ["--root", root, .. arguments]);
        if (exit != 0)
        {
            throw new AgentException(
                "systemd-refused", string.Create(CultureInfo.InvariantCulture, $"systemctl {string.Join(' ', arguments)} failed ({exit}): {errors}"), "This needs a running systemd and root; without systemd run 'bulkhead-agent apply' before the network is up, then 'bulkhead-agent run'.");
        }
    }

    private string UnitFile(string name) => Path.Combine(_folder, name);

    private string? Read(string name) => DurableFile.Read(UnitFile(name)) is { } content ? Encoding.UTF8.GetString(content) : null;
}
