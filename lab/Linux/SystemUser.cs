using System.Globalization;

namespace Bulkhead.Lab;

/// <summary>A user of the machine, as packages create them for their daemons.</summary>
internal sealed record SystemUser(string Name, uint Id, uint Group)
{
    /// <summary>Looks a user up in <c>/etc/passwd</c>.</summary>
    /// <exception cref="LabException">There is no such user.</exception>
    public static SystemUser Find(string name)
    {
        var fields = File.ReadAllLines("/etc/passwd").Select(line => line.Split(':')).FirstOrDefault(entry => entry[0] == name)
            ?? throw new LabException($"the system has no user '{name}'; run scripts/install-packages.sh");
        return new(name, uint.Parse(fields[2], CultureInfo.InvariantCulture), uint.Parse(fields[3], CultureInfo.InvariantCulture));
    }

    /// <summary>Makes a file or folder this user's.</summary>
    public void Own(string path)
    {
        if (Native.Chown(path, Id, Group) != 0)
        {
            throw new LabException($"cannot give {path} to {Name}");
        }
    }
}
