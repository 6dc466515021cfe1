using System.Globalization;
using System.Runtime.InteropServices;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Enforcement.Marks;
using Bulkhead.Policy;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>Says of a process what the programs would say of its sockets; for sockets that are older than the programs.</summary>
/// <param name="groupsOf">The groups that rules name and a user is in.</param>
internal sealed unsafe partial class OwnerReader(Func<uint, EquatableArray<string>> groupsOf)
{
    private const string Deleted = " (deleted)";
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint Wanted = 2 | 8; // STATX_MODE, STATX_UID
    private const int WritableByOthers = 0x12; // 022

    /// <summary>The owner, with its path whether or not rules name it; null if the process is gone.</summary>
    public SocketOwner? Of(int pid)
    {
        var process = pid.ToString(CultureInfo.InvariantCulture);
        if (MountNamespace.Of(process) is not { } view || UserOf(process) is not { } user)
        {
            return null;
        }

        var groups = groupsOf(user);
        var path = FolderReader.ReadLink($"/proc/{process}/exe");
        var plain = path?.EndsWith(Deleted, StringComparison.Ordinal) == true ? path[..^Deleted.Length] : path;
        return view == MountNamespace.Own && plain is ['/', ..] && IsByRootAlone($"/proc/{process}/exe") && FoldersOf(plain).All(IsByRootAlone)
            ? new(true, plain, groups)
            : SocketOwner.Unidentified with { Groups = groups };
    }

    /// <summary>The user of a process's sockets: who signed in, else whom it accesses files as; null if it is gone.</summary>
    public static uint? UserOf(int pid) => UserOf(pid.ToString(CultureInfo.InvariantCulture));

    private static uint? UserOf(string process)
    {
        try
        {
            var login = uint.Parse(File.ReadAllText($"/proc/{process}/loginuid"), CultureInfo.InvariantCulture);
            return login != ProcessFacts.NoLogin ? login : FileSystemUser(process);
        }
        catch (FileNotFoundException)
        {
            // Kernels without auditing know no logins.
            return Directory.Exists($"/proc/{process}") ? FileSystemUser(process) : null;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static uint? FileSystemUser(string process)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(line => line.StartsWith("Uid:", StringComparison.Ordinal));
            return uint.TryParse(line?.Split('\t').ElementAtOrDefault(4), NumberStyles.None, CultureInfo.InvariantCulture, out var user) ? user : null;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static IEnumerable<string> FoldersOf(string path)
    {
        for (var end = path.LastIndexOf('/'); end > 0; end = path.LastIndexOf('/', end - 1))
        {
            yield return path[..end];
        }

        yield return "/";
    }

    private static bool IsByRootAlone(string path)
    {
        Statx found;
        return ReadStatx(CurrentFolder, path, 0, Wanted, &found) == 0 && found.Uid == 0 && (found.Mode & WritableByOthers) == 0;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ReadStatx(int folder, string path, int flags, uint mask, Statx* found);

    /// <summary>The beginning of struct statx.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 256)]
    private struct Statx
    {
        public uint Mask;
        public uint BlockSize;
        public ulong Attributes;
        public uint Links;
        public uint Uid;
        public uint Gid;
        public ushort Mode;
    }
}
