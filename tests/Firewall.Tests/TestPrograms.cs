using System.Globalization;

namespace Bulkhead.Firewall.Tests;

/// <summary>Copies of programs at paths of their own, which root alone can write to.</summary>
internal sealed class TestPrograms : IDisposable
{
    private const string Socat = "/usr/bin/socat";
    private static int _made;

    private readonly string _folder = Directory.CreateDirectory(string.Create(
        CultureInfo.InvariantCulture, $"/run/bulkhead-tests-{Environment.ProcessId}-{Interlocked.Increment(ref _made)}")).FullName;

    public string Copy(string name, string of = Socat) => CopyTo(Path.Combine(_folder, name), of);

    /// <summary>One in a folder that others can write to.</summary>
    public string CopyWritable(string name)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "open"));
        folder.UnixFileMode |= UnixFileMode.OtherWrite | UnixFileMode.StickyBit;
        return CopyTo(Path.Combine(folder.FullName, name));
    }

    /// <summary>Puts another file in its place, as an upgrade does.</summary>
    public static void Replace(string program) => File.Move(CopyTo(program + ".new"), program, overwrite: true);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string CopyTo(string path, string of = Socat)
    {
        File.Copy(of, path);
        return path;
    }
}
